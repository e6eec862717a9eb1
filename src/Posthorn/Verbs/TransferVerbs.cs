using System.Text.Json.Nodes;
using Posthorn.Transfer;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>import …</c> and <c>export-mail</c>: mail into and out of accounts by files.</summary>
static class TransferVerbs
{
    static readonly VerbParameter Account = new("account", ParameterKind.Word, "The address of the account.");
    static readonly VerbParameter Mailbox = new("mailbox", ParameterKind.Option, "The mailbox to put it into, or under where the source has folders.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        Import("maildir", "Brings in Maildirs with their folders, flags, keywords and dates. Run again, it brings what is new.", "Maildirs, as those of Dovecot or Courier.", static (i, path) => i.MaildirAsync(path)),
        Import("mbox", "Brings in mbox files, or directories of them, with flags and dates. Run again, it brings what is new.", "Files, or directories in which each file is a mailbox.", static (i, path) => i.MboxAsync(path)),
        Import("eml", "Brings in messages of which each is a file. Run again, it brings what is new.", "Files, or directories with .eml files in them.", static (i, path) => i.EmlAsync(path),
            new VerbParameter("seen", ParameterKind.Flag, "Marks them as read.")),
        new("import imap", "Copies an account from another IMAP server. Run again, it brings what is new and flags that have changed.",
            [
                Account,
                new("folders", ParameterKind.AnyWords, "Folders of the other server; all of the user's own when left out."),
                new("host", ParameterKind.Option, "The other server."),
                new("port", ParameterKind.Option, "Its port; 993, or 143 without implicit TLS."),
                new("user", ParameterKind.Option, "Who logs in there."),
                new("password", ParameterKind.Password, "The password there."),
                new("tls", ParameterKind.Option, "implicit (when left out), starttls, or none: the password and all mail go in clear."),
                new("caFile", ParameterKind.Option, "Roots to trust in place of the system's, in PEM."),
                new("anyCertificate", ParameterKind.Flag, "Takes any certificate: nobody knows who is at the other end."),
                Mailbox,
            ], Nowhere, static (r, to) =>
            {
                foreach (var name in r["skipped"]!.AsArray()) to.WriteLine(QueuePrint.Clean($"left out: {name}"));
                PrintImport(r, to);
                if ((long)r["flags"]! > 0) to.WriteLine($"Changed the flags of {Many(r["flags"], "message")}.");
            })
        { Local = static (work, ct) => new ImapImport(work, ct).RunAsync(), Exit = LocalWork.Exit },
        new("export-mail", "Writes the mail of an account into files. Run again, it writes what is new.",
            [
                Account,
                new("mailboxes", ParameterKind.AnyWords, "The mailboxes; all when left out."),
                new("format", ParameterKind.Option, "mbox or maildir."),
                new("to", ParameterKind.Option, "The directory to write to."),
            ], Nowhere, static (r, to) =>
            {
                LocalWork.PrintFailed(r, to);
                to.WriteLine($"{r["account"]}: wrote {Many(r["written"], "message")} of {Many(r["mailboxes"], "mailbox", "es")} ({Size((long)r["octets"]!)}) to {r["to"]}; {Known(r)}.");
            })
        { Local = static (work, ct) => new FileExport(work, ct).RunAsync(), Exit = LocalWork.Exit },
    ];

    static Verb Import(string kind, string help, string paths, Func<FileImport, string, Task> source, params VerbParameter[] more) =>
        new("import " + kind, help, [Account, new("paths", ParameterKind.Words, paths), Mailbox, .. more], Nowhere, PrintImport)
        { Local = (work, ct) => new FileImport(work, ct).RunAsync(kind, source), Exit = LocalWork.Exit };

    public static void PrintImport(JsonObject r, TextWriter to)
    {
        LocalWork.PrintFailed(r, to);
        to.WriteLine($"{r["account"]}: brought in {Many(r["added"], "message")} ({Size((long)r["octets"]!)}) of {Many(r["mailboxes"], "mailbox", "es")}; {Known(r)}.");
    }

    /// <summary>"1 message", "2 messages".</summary>
    internal static string Many(JsonNode? count, string one, string ending = "s") => $"{count} {one}{(count!.ToString() == "1" ? "" : ending)}";

    /// <summary>How many were there already.</summary>
    internal static string Known(JsonObject r) => $"{r["known"]} {(r["known"]!.ToString() == "1" ? "was" : "were")} there already";

    /// <summary>These run in the command's own process: a server cannot be asked to.</summary>
    public static Task<JsonObject> Nowhere(VerbContext context, VerbArguments arguments, CancellationToken ct) =>
        throw new VerbException(Cli.ExitCode.Usage, "this command works in its own process only");
}
