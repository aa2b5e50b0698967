"""The main job: one suite, for real and in simulation, judged, compared and reported."""
