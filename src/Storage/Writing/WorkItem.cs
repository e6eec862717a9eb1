using System.Threading.Tasks.Sources;

namespace Posthorn.Storage.Writing;

/// <summary>A unit waiting for, or in, its group.</summary>
abstract class WorkItem
{
    /// <summary>What the unit threw, or null.</summary>
    internal Exception? Error { get; set; }

    /// <summary>True when the unit, as far as it came, stored a body: then it may not have the reserve of space.</summary>
    internal bool BringsBody { get; set; }

    internal abstract bool Cancelled { get; }

    /// <summary>Runs the unit on the writer.</summary>
    internal abstract void Run(WriteUnit unit);

    /// <summary>Answers the caller; its continuation runs elsewhere.</summary>
    internal abstract void Complete();
}

/// <inheritdoc/>
sealed class WorkItem<T> : WorkItem, IValueTaskSource<T>
{
    readonly Func<WriteUnit, T> _unit;
    readonly CancellationToken _ct;
    ManualResetValueTaskSourceCore<T> _source;
    T? _result;

    internal WorkItem(Func<WriteUnit, T> unit, CancellationToken ct)
    {
        _unit = unit;
        _ct = ct;
        _source.RunContinuationsAsynchronously = true;
    }

    internal ValueTask<T> Task => new(this, _source.Version);
    internal override bool Cancelled => _ct.IsCancellationRequested;
    internal override void Run(WriteUnit unit) => _result = _unit(unit);

    internal override void Complete()
    {
        if (Error is not null)
            _source.SetException(Error);
        else
            _source.SetResult(_result!);
    }

    T IValueTaskSource<T>.GetResult(short token) => _source.GetResult(token);
    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
