"""Several servers behind one port: a front that passes requests on, and workers in which the rooms live."""
