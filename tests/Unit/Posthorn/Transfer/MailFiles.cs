using System.Text;
using Posthorn.Configuration;
using Posthorn.Logging;
using Posthorn.Storage.Messages;
using Posthorn.Transfer;
using Posthorn.Verbs;
using Shell = Posthorn.Tests.Unit.Host.Cli.Program;

namespace Posthorn.Tests.Unit.Host.Transfer;

/// <summary>Octets as a message that is copied.</summary>
sealed class OctetContent(byte[] octets, int piece = 7) : IMailContent
{
    int _at;

    public ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken ct)
    {
        var n = Math.Min(piece, octets.Length - _at);
        _at += n;
        return new(octets.AsMemory(_at - n, n));
    }
}

/// <summary>What tests of the tools look at: all mail of an account, by content.</summary>
static class MailFiles
{
    /// <summary>Each message as text: mailbox, octets, flags, keywords, date. Sorted.</summary>
    internal static async Task<List<string>> AllAsync(Shell program, string account)
    {
        using var logs = new LogProvider(LogOutput.To(Stream.Null), LogFormat.Text, LogSeverity.Error, TimeProvider.System);
        await using var context = await VerbContext.OpenAsync(program.Load(), logs);
        return Of(context, account);
    }

    static List<string> Of(VerbContext context, string account)
    {
        var id = context.Accounts.Account(account).Id;
        var all = new List<string>();
        foreach (var mailbox in context.Store.Read(u => u.Mailboxes.List(id)))
            foreach (var place in context.Store.Read(u => u.Mailboxes.Placements(id, mailbox.Id)))
            {
                var message = context.Store.Read(u => u.Mailboxes.Load(id, [place.MessageId]))[0];
                using var body = context.Store.OpenBlob(message.Blob);
                using var copy = new MemoryStream();
                copy.Write(message.Prefix);
                body.AsStream().CopyTo(copy);
                all.Add($"{mailbox.Name}|{place.Flags}|{place.Keywords}|{place.Received:O}|{Encoding.Latin1.GetString(copy.ToArray())}");
            }
        all.Sort(StringComparer.Ordinal);
        return all;
    }

    /// <summary>Writes a file of a Maildir.</summary>
    internal static void Put(string directory, string sub, string name, string text, DateTimeOffset date)
    {
        foreach (var one in new[] { "cur", "new", "tmp" }) Directory.CreateDirectory(Path.Combine(directory, one));
        var path = Path.Combine(directory, sub, name);
        File.WriteAllText(path, text, Encoding.Latin1);
        File.SetLastWriteTimeUtc(path, date.UtcDateTime);
    }

    internal static readonly DateTimeOffset Day = new(2024, 2, 29, 12, 34, 56, 789, TimeSpan.Zero);

    internal static string Names(MailFlags flags) => string.Join(' ', flags.Names(MessageFlags.None));
}
