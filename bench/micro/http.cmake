millrace_bench(http ROOMS services)
