# Checks of pint that are disabled, with the reason.

rule {
  match {
    name = "InsightsDeploymentNotPolled"
  }

  # The condition is in the recording rule that this alert reads.
  disable = ["alerts/comparison"]
}
