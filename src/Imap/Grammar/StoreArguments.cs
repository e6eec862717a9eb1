namespace Posthorn.Imap.Grammar;

enum StoreMode { Replace, Add, Remove }

/// <summary>The arguments of STORE and UID STORE (RFC 9051 §6.4.6).</summary>
/// <param name="UnchangedSince">RFC 7162 §3.1.3; null without it.</param>
/// <param name="Silent">True when the client does not want to hear of the result.</param>
sealed record StoreArguments(SequenceSet Messages, long? UnchangedSince, StoreMode Mode, bool Silent, FlagList Flags)
{
    internal static StoreArguments Read(ref ImapReader r)
    {
        var messages = r.SequenceSet();
        r.SP();
        long? unchangedSince = null;
        if (r.TryOpen())
        {
            if (!r.TryWord("UNCHANGEDSINCE"u8)) throw r.Bad("UNCHANGEDSINCE expected");
            r.SP();
            unchangedSince = r.Number64();
            r.Close();
            r.SP();
        }
        var mode = r.TryTake((byte)'+') ? StoreMode.Add : r.TryTake((byte)'-') ? StoreMode.Remove : StoreMode.Replace;
        var silent = r.TryWord("FLAGS.SILENT"u8);
        if (!silent && !r.TryWord("FLAGS"u8)) throw r.Bad("FLAGS expected");
        r.SP();
        var flags = FlagList.ReadBare(ref r);
        r.End();
        return new StoreArguments(messages, unchangedSince, mode, silent, flags);
    }
}

/// <summary>The arguments of COPY and MOVE, with and without UID.</summary>
sealed record CopyArguments(SequenceSet Messages, string Mailbox)
{
    internal static CopyArguments Read(ref ImapReader r)
    {
        var messages = r.SequenceSet();
        r.SP();
        var mailbox = r.Mailbox();
        r.End();
        return new CopyArguments(messages, mailbox);
    }
}
