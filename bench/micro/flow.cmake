millrace_bench(flow ROOMS flow)
