"""The real run: the workload carried out by `impl`, in processes of its own, traced or not."""
