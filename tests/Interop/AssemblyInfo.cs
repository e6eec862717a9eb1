// Each class runs a server of its own and programs beside it: two at a time is what a small machine bears.
[assembly: Xunit.CollectionBehavior(MaxParallelThreads = 2)]
