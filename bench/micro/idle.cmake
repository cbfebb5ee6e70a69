millrace_bench(idle ROOMS shard)
