"""Asset checks: what must hold of every partition (`lake`), and of what particular assets hold."""
