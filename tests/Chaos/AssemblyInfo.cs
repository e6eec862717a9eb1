// Every test here wants the machine for itself.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
