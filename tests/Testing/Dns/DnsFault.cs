namespace Posthorn.Tests.Testing.Dns;

/// <summary>What a <see cref="ScriptedDnsServer"/> does with questions for a name.</summary>
[Flags]
public enum DnsFault
{
    None = 0,

    /// <summary>Takes the question and says nothing, over UDP and TCP.</summary>
    Silence = 1,

    /// <summary>Answers after <see cref="ScriptedDnsServer.Delay"/>.</summary>
    Slow = 2,

    /// <summary>Sends the answer with another id.</summary>
    WrongId = 4,

    /// <summary>Sends the answer to another question.</summary>
    WrongQuestion = 8,

    /// <summary>Sends the question back in lower case.</summary>
    LowerCase = 16,

    /// <summary>Over UDP: an empty answer with TC.</summary>
    Truncated = 32,

    ServFail = 64,

    Refused = 128,

    /// <summary>FORMERR without a question section for every question with EDNS.</summary>
    NoEdns = 256,

    /// <summary>A right header and question, and nonsense behind them.</summary>
    Garbage = 512,

    /// <summary>NXDOMAIN, whatever the zone has, every second time.</summary>
    Flapping = 1024,

    /// <summary>SERVFAIL with the extended error <see cref="ScriptedDnsServer.ExtendedError"/>.</summary>
    ExtendedError = 2048,

    /// <summary>Only NS records of somebody else, neither AA nor RA: as a server answers that is no resolver.</summary>
    Referral = 4096,

    /// <summary>Every answer is sent 30 times with a wrong id and then never as it should be, over UDP.</summary>
    Flood = 8192,

    /// <summary>Over TCP: closes the connection without an answer.</summary>
    TcpClosed = 16384,

    /// <summary>Over TCP: the length and then silence.</summary>
    TcpStalls = 32768,

    /// <summary>First a forged answer with a wrong id and an address that is none of the zone, then the right one.</summary>
    Forged = 65536,
}
