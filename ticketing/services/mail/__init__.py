"""Mail in and out. :mod:`intake` is the way in, :mod:`outgoing` the way out, :mod:`settling` what people decide."""
