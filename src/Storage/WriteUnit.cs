using Posthorn.Storage.Blobs;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage;

/// <summary>Tables open for writing inside one unit of the group. One object serves all units in turn: do not keep it.</summary>
public sealed class WriteUnit : ReadUnit
{
    readonly PackWriter _packs;
    readonly TraceClock _traces;

    // Blobs this unit stored, each with a reference already counted that the first message to use it takes over.
    readonly List<long> _credits = [];

    internal WriteUnit(ISqlSession session, TimeProvider time, PackWriter packs, TraceClock traces) : base(session, time)
    {
        _packs = packs;
        _traces = traces;
    }

    /// <summary>Changes of the group so far, in order.</summary>
    internal List<Change> Changes { get; } = [];

    /// <summary>Domains, accounts, aliases or credentials changed in the group.</summary>
    internal bool DirectoryChanged { get; set; }

    /// <summary>Stores the body (once for the same content) and returns where it is. Its octets are durable before the group's commit.</summary>
    public BlobLocation Store(BlobWriter blob)
    {
        blob.Seal();
        Stored++;
        var hash = blob.Hash!;
        var length = blob.Length;
        var big = length > BlobFolder.SmallLimit;
        var start = big ? 0 : _packs.NextStart();
        var location = Blobs.Insert(hash, big ? 0 : _packs.Pack, start, length);
        // The row gives the place back that was meant for it only when the content is new.
        if (!big && location.Pack == _packs.Pack && location.Offset == start)
            blob.CopyTo(_packs.Append(hash, (int)length));
        _credits.Add(location.BlobId);
        return location;
    }

    /// <summary>Bodies stored so far, also by units that were undone.</summary>
    internal long Stored { get; private set; }

    /// <summary>Counts one more message that needs the blob.</summary>
    internal void Reference(BlobLocation blob)
    {
        if (!_credits.Remove(blob.BlobId))
            Blobs.AddReference(blob);
    }

    /// <summary>An id for an event row: rises, never repeats.</summary>
    internal long NextEventId() => _traces.Next().Value;

    /// <summary>Who makes the changes of this unit, for those who watch and need not be told what they did themselves.</summary>
    public object? By { get; set; }

    internal void Note(Change change) => Changes.Add(By is null ? change : change with { By = By });

    internal void BeginGroup()
    {
        _packs.BeginGroup();
        Changes.Clear();
        DirectoryChanged = false;
        _credits.Clear();
    }

    internal UnitMark Mark() => new(Changes.Count, DirectoryChanged, _packs.Pending);

    /// <summary>Ends a unit that went well: what it stored and did not use is let go.</summary>
    internal void Finish()
    {
        foreach (var blob in _credits)
            Blobs.RemoveReference(blob);
        _credits.Clear();
        By = null;
    }

    /// <summary>Forgets what a failed unit left outside the database.</summary>
    internal void UndoTo(UnitMark mark)
    {
        Changes.RemoveRange(mark.Changes, Changes.Count - mark.Changes);
        DirectoryChanged = mark.Directory;
        _packs.UndoTo(mark.Pending);
        _credits.Clear();
        By = null;
    }

    internal readonly record struct UnitMark(int Changes, bool Directory, int Pending);
}
