"""The self-help portal: my service, my plan, my order's progress, my tickets; and the doors: sign in and out."""
