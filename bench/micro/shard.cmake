millrace_bench(shard ROOMS shard)
