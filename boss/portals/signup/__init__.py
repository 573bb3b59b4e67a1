"""The sign-up portal: address → plan → options → you and payment → review → placed."""
