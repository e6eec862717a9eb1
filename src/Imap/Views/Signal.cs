namespace Posthorn.Imap.Views;

/// <summary>Wakes a session that idles. Set from any thread, waited for by one session.</summary>
sealed class Signal
{
    TaskCompletionSource _set = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once it is set.</summary>
    internal Task Task => Volatile.Read(ref _set).Task;

    internal void Set() => Volatile.Read(ref _set).TrySetResult();

    /// <summary>Arms it again; to be called before one looks at what has changed.</summary>
    internal void Reset()
    {
        if (_set.Task.IsCompleted) Volatile.Write(ref _set, new(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
