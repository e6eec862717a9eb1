using System.Globalization;
using System.Text;
using Posthorn.Imap.Grammar;

namespace Posthorn.Tests.Unit.Search;

/// <summary>Searches of every key, alone and combined; most of the words are in some message.</summary>
sealed class RandomQueries(int seed, ScanOracle mail)
{
    const int Kinds = 31;

    readonly Random _random = new(seed);
    int _next;

    /// <summary>The octets of a search as Latin 1, for the client.</summary>
    internal string Next() => Latin1(Query(3, _next++ % Kinds));

    internal static SearchKey Parse(string query)
    {
        var reader = new ImapReader(Encoding.Latin1.GetBytes(query), ImapLimits.User, false);
        return SearchArguments.Read(ref reader).Key;
    }

    string Query(int depth, int kind) => kind switch
    {
        0 => "TEXT " + Word(),
        1 => "BODY " + Word(),
        2 => "SUBJECT " + Word(),
        3 => "FROM " + Word(),
        4 => "TO " + Word(),
        5 => "CC " + Word(),
        6 => "BCC " + Word(),
        7 => $"HEADER {Pick("Received", "x-topic", "SUBJECT", "Return-Path", "X-None", "To")} {Word()}",
        8 => $"HEADER {Pick("Received", "x-topic", "cc", "X-None")} \"\"",
        9 => Pick("ALL", "RECENT", "OLD", "NEW"),
        10 => Pick("SEEN", "UNSEEN", "ANSWERED", "UNANSWERED", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT"),
        11 => Pick("KEYWORD $Work", "UNKEYWORD $work", "KEYWORD $none"),
        12 => $"{Pick("LARGER", "SMALLER")} {_random.Next(200, 2000)}",
        13 => $"{Pick("BEFORE", "ON", "SINCE")} {Date(2008, 2017)}",
        14 => $"{Pick("SENTBEFORE", "SENTON", "SENTSINCE")} {Date(2010, 2025)}",
        15 => $"{Pick("SAVEDBEFORE", "SAVEDSINCE")} {Date(2010, 2025)}",
        16 => $"{Pick("OLDER", "YOUNGER")} {_random.Next(100_000_000, 600_000_000)}",
        17 => $"{_random.Next(1, mail.Count)}:{Pick("*", _random.Next(1, mail.Count).ToString(CultureInfo.InvariantCulture))}",
        18 => $"UID {_random.Next(1, mail.Count)}:{_random.Next(1, mail.Count)},*",
        19 => $"MODSEQ {_random.Next(1, mail.Count)}",
        20 => $"EMAILID M{mail.Place(_random.Next(mail.Count)).MessageId}",
        21 => "THREADID T1",
        22 => "TEXT " + Latin(Rare()),
        23 or 24 or 25 when depth > 0 => $"NOT {Nested(depth)}",
        26 or 27 or 28 when depth > 0 => $"OR {Nested(depth)} {Nested(depth)}",
        29 or 30 when depth > 0 => $"({Query(depth - 1, _random.Next(Kinds))} {Query(depth - 1, _random.Next(Kinds))})",
        _ => "TEXT " + Word(),
    };

    string Nested(int depth) => "(" + Query(depth - 1, _random.Next(Kinds)) + ")";

    /// <summary>A piece of a text of some message, or what is in none.</summary>
    string Word()
    {
        if (_random.Next(6) == 0) return Latin(_random.Next(2) == 0 ? "" : Rare());
        var content = mail.Content(_random.Next(mail.Count));
        string[] texts = [.. content.All.Where(static t => t.Length > 0)];
        var text = texts[_random.Next(texts.Length)];
        var start = _random.Next(text.Length);
        var piece = text.Substring(start, Math.Min(_random.Next(1, 12), text.Length - start)).Replace('\n', ' ');
        return Latin(_random.Next(2) == 0 ? piece : piece.ToLowerInvariant());
    }

    string Rare() => new([.. Enumerable.Range(0, _random.Next(2, 6)).Select(_ => (char)('a' + _random.Next(26)))]);

    string Pick(params string[] some) => some[_random.Next(some.Length)];

    string Date(int first, int last) => string.Create(CultureInfo.InvariantCulture, $"{new DateTime(_random.Next(first, last), _random.Next(1, 13), _random.Next(1, 28)):d-MMM-yyyy}");

    static string Latin(string text) => $"{{{Encoding.UTF8.GetByteCount(text)}+}}\r\n{text}";

    static string Latin1(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
