"""What intervals say: profiles, comparisons, baselines, anomalies. Pure functions of intervals, days and a zone."""
