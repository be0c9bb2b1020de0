ERROR: ld.so: object '/work/main/lx.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.
ERROR: ld.so: object '/work/main/lx.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.
4940