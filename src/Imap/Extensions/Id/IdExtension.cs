using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Id;

/// <summary>ID (RFC 2971): who is at the other end, for the log.</summary>
sealed class IdExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new IdCommand()];

    internal override void List(ImapSession session, List<string> words) => words.Add("ID");
}

/// <summary>ID (RFC 2971 §3.1). The version is nobody's business.</summary>
sealed class IdCommand : ImapCommand
{
    internal override string Verb => "ID";

    internal override When When => When.Any;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var said = IdArguments.Read(ref reader);
        session.Client = $"{Field(said, "name")} {Field(said, "version")}".Trim();
        ImapLog.Client(session.Server.Log, session.Connection.Remote, Text(said));
        session.Out.Raw("* ID (\"name\" \"Posthorn\")\r\n"u8);
        return new(Reply.Ok("ID completed"));
    }

    static string? Field(IdArguments said, string name) => said.Fields.FirstOrDefault(f => f.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>One line, control characters gone.</summary>
    static string Text(IdArguments said)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in said.Fields)
        {
            if (value is null) continue;
            if (text.Length > 0) text.Append(", ");
            foreach (var c in $"{name} {value}") text.Append(char.IsControl(c) ? ' ' : c);
        }
        return text.ToString();
    }
}
