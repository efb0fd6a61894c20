"""Who a gateway is: the collector's own authority, enrolment, renewal, revocation, and what the broker is told."""
