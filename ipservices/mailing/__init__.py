"""What the drivers for mail servers share: mailboxes in neutral words, doveadm, the subscriber's side, webmail."""
