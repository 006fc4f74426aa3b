"""Getting Firstpoint onto a machine, with nothing but the standard library."""
