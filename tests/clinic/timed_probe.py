import test_schemas as t, time
orig=t.Prober.probe
def probe(self,m,p,o,n):
    a=time.process_time(); w=time.time(); k=self.sent
    r=orig(self,m,p,o,n)
    with open("/tmp/probe.log","a") as f: print(f"{time.process_time()-a:.2f} {time.time()-w:.1f} {self.sent-k} {m} {p} {r[0][:1500] if r else ''}",file=f)
    return r
t.Prober.probe=probe
t.FEW=1
