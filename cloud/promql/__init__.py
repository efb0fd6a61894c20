"""The part of PromQL that makes sense on readings, so that Grafana's Prometheus source reads the collector."""
