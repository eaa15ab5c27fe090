"""The cloud's side: installations, intake, matching, consumption, reports and the pages that show them."""
