using System.Text;

namespace Posthorn.Imap.Access;

/// <summary>What somebody may do with a mailbox (RFC 4314 §2.1).</summary>
[Flags]
enum Rights
{
    None = 0,

    /// <summary>l: see it in LIST, subscribe to it.</summary>
    Lookup = 1,

    /// <summary>r: select it, ask for its STATUS.</summary>
    Read = 2,

    /// <summary>s: \Seen.</summary>
    Seen = 4,

    /// <summary>w: flags other than \Seen and \Deleted.</summary>
    Write = 8,

    /// <summary>i: put messages into it.</summary>
    Insert = 16,

    /// <summary>p: send mail to its address; nothing in IMAP asks for it.</summary>
    Post = 32,

    /// <summary>k: make mailboxes below it.</summary>
    Create = 64,

    /// <summary>x: delete or rename it.</summary>
    Delete = 128,

    /// <summary>t: \Deleted.</summary>
    Mark = 256,

    /// <summary>e: expunge.</summary>
    Expunge = 512,

    /// <summary>a: read and change who has which rights.</summary>
    Administer = 1024,

    All = 2047,

    /// <summary>Any of them makes a mailbox one that can be changed (RFC 4314 §5.2).</summary>
    Changing = Seen | Write | Insert | Mark | Expunge,
}

/// <summary>Rights as letters.</summary>
static class RightsText
{
    /// <summary>In the order of their bits.</summary>
    const string Letters = "lrswipkxtea";

    /// <summary>The letters without those of RFC 2086, as they are stored.</summary>
    internal static string Stored(Rights rights)
    {
        var text = new StringBuilder(Letters.Length);
        for (var i = 0; i < Letters.Length; i++)
            if ((rights & (Rights)(1 << i)) != 0) text.Append(Letters[i]);
        return text.ToString();
    }

    /// <summary>The letters as clients are told: with "c" and "d" for those who know RFC 2086 only (RFC 4314 §2.1.1).</summary>
    internal static string Of(Rights rights)
    {
        var text = Stored(rights);
        if ((rights & (Rights.Create | Rights.Delete)) != 0) text += "c";
        return (rights & (Rights.Mark | Rights.Expunge)) != 0 ? text + "d" : text;
    }

    /// <summary>False when a letter is no right that is known (RFC 4314 §3.1).</summary>
    internal static bool TryRead(ReadOnlySpan<char> letters, out Rights rights)
    {
        rights = Rights.None;
        foreach (var c in letters)
        {
            var at = Letters.IndexOf(c, StringComparison.Ordinal);
            if (at >= 0) rights |= (Rights)(1 << at);
            else if (c == 'c') rights |= Rights.Create | Rights.Delete;
            else if (c == 'd') rights |= Rights.Mark | Rights.Expunge;
            else return false;
        }
        return true;
    }
}
