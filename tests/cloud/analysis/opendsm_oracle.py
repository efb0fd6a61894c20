"""Asks OpenDSM what our temperature model is compared with, and writes ``opendsm_golden.json`` anew.

Not part of any test run: OpenDSM brings more than fifty packages. In an environment of its own:

    python -m venv oracle && oracle/bin/pip install opendsm==1.2.7 'multimethod<1.13'
    oracle/bin/python tests/cloud/analysis/opendsm_oracle.py

``opendsm_hours.csv.gz`` is its sample il-electricity-cdd-hdd-hourly (Apache-2.0): a load made by its authors over
measured temperatures of Illinois, from the first hour of the baseline to the last of the reporting year.
"""

import gzip
import json
import warnings
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN, HOURS = HERE / "opendsm_golden.json", HERE / "opendsm_hours.csv.gz"


def main() -> None:
    import numpy as np
    import pandas as pd
    from opendsm.eemeter.models.hourly_caltrack.data import HourlyBaselineData, HourlyReportingData
    from opendsm.eemeter.models.hourly_caltrack.wrapper import HourlyModel

    golden = json.loads(GOLDEN.read_text("utf-8"))
    frame = pd.read_csv(BytesIO(gzip.decompress(HOURS.read_bytes())))
    frame.index = pd.date_range(golden["first"], periods=len(frame), freq="h")

    def cut(name: str) -> pd.DataFrame:
        since, until = golden[name]
        return frame[(frame.index >= since) & (frame.index < until)]

    base = HourlyBaselineData.from_series(cut("baseline")["kwh"], cut("baseline")["fahrenheit"], True)
    model = HourlyModel().fit(base)
    fitted = model.model.predict(base.df.index, base.df["temperature"]).result["predicted_usage"]
    both = base.df["observed"].notna() & fitted.notna()
    measured, said = base.df["observed"][both], fitted[both]
    after = HourlyReportingData.from_series(cut("reporting")["kwh"], cut("reporting")["fahrenheit"], True)
    predicted = model.predict(after)["predicted"]
    months = predicted.groupby(predicted.index.strftime("%Y%m")).sum()
    golden["hours"] = int(both.sum())
    golden["rmse_over_mean"] = round(float(np.sqrt(((measured - said) ** 2).mean()) / measured.mean()), 6)
    golden["reporting_predicted"] = round(float(predicted.sum()), 3)
    golden["reporting_months"] = {name: round(float(value), 3) for name, value in months.items()}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
