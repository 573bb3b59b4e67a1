"""Running operators' text where it can do no harm. ``process.run`` starts one script; ``proof.state`` says whether
this host can."""
