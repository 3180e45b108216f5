"""The road, the command line and the flows: the only place that knows a clock or Prefect."""
