cd /work/wt-kernel/scratch; L=$PWD/lx.so
for c in invalid:report invalid:abort; do export XALLOC_CONF=$c
r(){ n=$1; shift; LD_PRELOAD=$L timeout 200 "$@" >out.$n 2>&1; echo "$c $n rc=$? $(grep -c xalloc out.$n)"; grep xalloc out.$n | head -3; }
r gpp g++ -O2 -c stress.cc -o /dev/null
r git git -C /work/wt-kernel log -p -200 --stat
r gitgc git -C /work/wt-kernel fsck
r perl perl -e 'my %h; for(1..300000){$h{$_%5000}.=pack("Q",$_*0xfb00fb00fb)x3; delete $h{$_%4999};} print scalar keys %h'
r node node -e 'let a=[];for(let i=0;i<200000;i++){a[i%1000]=Buffer.alloc((i*7)%9000,0xfb);} const w=require("worker_threads");if(w.isMainThread){for(let i=0;i<4;i++)new w.Worker("let a=[];for(let i=0;i<50000;i++)a[i%100]=Buffer.alloc(i%5000,251)",{eval:true})}'
r sqlite python3 -c 'import sqlite3
d=sqlite3.connect(":memory:");d.execute("create table t(a,b)")
import os
d.executemany("insert into t values(?,?)",((i,os.urandom(i%3000)) for i in range(20000)));print(d.execute("select count(*),sum(length(b)) from t where a%7=1").fetchall())'
r pyt python3 -m test test_threading test_subprocess test_ctypes test_json test_pickle test_mmap
r perlthr perl -Mthreads -e 'for(1..20){push @t,threads->create(sub{my %h;$h{$_}="\xfb"x$_ for 1..3000;})} $_->join for @t'
r man man --pager=cat bash
r pg bash -c 'echo skip'
done
