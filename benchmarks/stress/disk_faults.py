from benchmarks.stress.part import PartResult
def run(scratch): return PartResult()
