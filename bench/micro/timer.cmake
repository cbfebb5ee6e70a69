millrace_bench(timer ROOMS timer)
