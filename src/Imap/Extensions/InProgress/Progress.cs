using System.Globalization;
using System.Text;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.InProgress;

/// <summary>
/// How far the command at hand has come, told now and then (RFC 9585 §4). Long loops call it wherever they stand between two
/// whole responses: it writes a line of its own, which must not get into another or into a literal.
/// </summary>
sealed class Progress(ImapSession session)
{
    /// <summary>RFC 9585 §4 recommends 10 to 15 seconds; what is done sooner is never told of.</summary>
    internal static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    long _told; // when, or when the command began
    int _done, _goal;

    TimeProvider Time => session.Server.Time;

    bool IsDue => Time.GetElapsedTime(_told) >= Every && !session.InLiteral;

    /// <summary>A command begins.</summary>
    internal void Begin() => (_told, _done, _goal) = (Time.GetTimestamp(), 0, 0);

    /// <summary>
    /// What the numbers of this command count up to; loops inside it that count something else are told of without numbers, since
    /// the goal should not change (RFC 9585 §4).
    /// </summary>
    internal void Expect(int goal)
    {
        if (_goal == 0) _goal = goal;
    }

    /// <summary>So many of so many are done. Costs a look at the clock when there is nothing to say yet.</summary>
    internal ValueTask TellAsync(int done, int goal)
    {
        Expect(goal);
        // RFC 9585 §4: who has done all answers, or says how far the next part is.
        if (done >= goal || !IsDue) return ValueTask.CompletedTask;
        // The numbers never go back.
        var counts = goal == _goal && done >= _done;
        if (counts) _done = done;
        return SayAsync(counts);
    }

    /// <summary>Waits for work of which nobody knows how far it is, and tells meanwhile that it goes on.</summary>
    /// <param name="work">Is waited for to its end in any case.</param>
    internal async ValueTask<T> WhileAsync<T>(Task<T> work)
    {
        while (!work.IsCompleted)
        {
            try { return await work.WaitAsync(Every, Time).ConfigureAwait(false); }
            catch (TimeoutException) when (!work.IsCompleted) { }
            if (!work.IsCompleted) await SayAsync(counts: false).ConfigureAwait(false);
        }
        return await work.ConfigureAwait(false);
    }

    ValueTask SayAsync(bool counts)
    {
        _told = Time.GetTimestamp();
        if (Capabilities.IsOff(session, InProgressExtension.Word)) return ValueTask.CompletedTask;
        // RFC 9585 §4: a tag with "]" in it would end the code.
        var tag = session.Tag.Span.Contains((byte)']') ? "NIL" : $"\"{Encoding.ASCII.GetString(session.Tag.Span)}\"";
        var state = counts ? string.Create(CultureInfo.InvariantCulture, $"{_done} {_goal}") : "NIL NIL";
        session.Untagged("OK"u8, $"INPROGRESS ({tag} {state})", "still working on it");
        return session.Connection.FlushAsync();
    }
}
