namespace Posthorn.Imap.Session;

/// <summary>What ENABLE, or a command that implies it, has switched on (RFC 5161).</summary>
[Flags]
enum Enabled
{
    None = 0,

    /// <summary>RFC 7162 §3.1: change numbers are told.</summary>
    CondStore = 1,

    /// <summary>RFC 7162 §3.2: VANISHED in place of EXPUNGE.</summary>
    QResync = 2,

    /// <summary>RFC 6855: UTF-8 in names and quoted strings.</summary>
    Utf8 = 4,

    /// <summary>RFC 9051 in place of RFC 3501.</summary>
    Rev2 = 8,

    /// <summary>RFC 9586: no message numbers.</summary>
    UidOnly = 16,

    /// <summary>RFC 5464 §4.4: changes of annotations are told.</summary>
    Metadata = 32,
}
