import time
from collections import Counter
from bench.client import Stream
from bench.images import GOOD, SLOW, say
from bench.inside import Inside, main
from bench.ours import tidegate, CAREFUL
from tidegate.engine.journal import peek
def measure(inside):
    with tidegate(inside.folder/'ours',GOOD[0].image) as ours:
        for rate in (500,):
            with Stream(ours.port, rate) as s:
                time.sleep(1); d=ours.deliver(SLOW.image, CAREFUL); time.sleep(1); seen=s.stop()
            t=ours.told()
            say(f'{rate} {d.outcome} {t.reason} {seen.answers(SLOW.name)} weight {t.weight_most_bp} {(t.rollback_at-t.shifted_at)/1000}')
            rec=seen.result.records
            from itertools import groupby
            lat={}
            for i in range(len(rec)):
                if rec.outcome[i]>0:
                    lat.setdefault((rec.intended[i]//5_000_000, seen.result.tags[rec.tag[i]]),[]).append(rec.end[i]-rec.intended[i])
            for k in sorted(lat):
                v=sorted(lat[k]); say(f'{k} n {len(v)} p50 {v[len(v)//2]/1000:.1f} p95 {v[int(len(v)*.95)]/1000:.1f} p99 {v[int(len(v)*.99)]/1000:.1f}')
    return []
if __name__=='__main__': main(measure)
