using System.Globalization;
using System.Net;
using System.Text;
using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>
/// XCLIENT: a trusted host says for whom it speaks; the session begins anew with that client's facts (the protocol is
/// Postfix's; values are xtext).
/// </summary>
sealed class XClientCommand : SmtpCommand
{
    internal override string Verb => "XCLIENT";
    internal override When When => When.Everywhere | When.NotInMail | When.EndsGroup;
    internal override string Form => "XCLIENT name=value ...";

    /// <summary>What one command said; nothing of it counts before all of it is understood.</summary>
    sealed class Facts
    {
        internal IPAddress? Address, LocalAddress;
        internal int? Port, LocalPort;
        internal string? Name;
        internal bool NameGiven;
    }

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (!session.MayXClient)
        {
            session.Refuse("550 5.7.0 Not for you\r\n"u8);
            return;
        }
        var facts = Parse(argument.Span);
        await session.ForgetAsync().ConfigureAwait(false);
        Apply(session, facts);
        session.Greet();
    }

    static Facts Parse(ReadOnlySpan<byte> text)
    {
        var facts = new Facts();
        var r = new ArgumentReader(text);
        var any = false;
        for (var word = r.Token(); word.Length > 0; word = r.Token(), any = true)
        {
            var equals = word.IndexOf((byte)'=');
            if (equals <= 0 || Xtext.Decode(word[(equals + 1)..]) is not { } value) throw new BadSyntax(SmtpFault.Arguments);
            Take(facts, Encoding.ASCII.GetString(word[..equals]).ToUpperInvariant(), value);
        }
        r.End();
        return any ? facts : throw new BadSyntax(SmtpFault.Arguments);
    }

    static void Take(Facts facts, string name, string value)
    {
        var known = value.ToUpperInvariant() is not ("[UNAVAILABLE]" or "[TEMPUNAVAIL]");
        switch (name)
        {
            case "ADDR": if (known) facts.Address = Address(value); break;
            case "PORT": if (known) facts.Port = Port(value); break;
            case "DESTADDR": if (known) facts.LocalAddress = Address(value); break;
            case "DESTPORT": if (known) facts.LocalPort = Port(value); break;
            case "NAME":
                facts.NameGiven = true;
                facts.Name = known ? Posthorn.Wire.Addresses.EmailAddress.NormalizeDomain(value) ?? throw new BadSyntax(SmtpFault.Arguments) : null;
                break;
            // The client gives its own greeting again, and a login is made with AUTH or not at all.
            case "HELO" or "PROTO" or "LOGIN": break;
            default: throw new BadSyntax(SmtpFault.Arguments);
        }
    }

    static IPAddress Address(string value)
    {
        var v6 = value.StartsWith("IPV6:", StringComparison.OrdinalIgnoreCase);
        if (IPAddress.TryParse(v6 ? value[5..] : value, out var address) && !value.Contains('%', StringComparison.Ordinal)) return address;
        throw new BadSyntax(SmtpFault.Arguments);
    }

    static int Port(string value) =>
        ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : throw new BadSyntax(SmtpFault.Arguments);

    static void Apply(SmtpSession session, Facts facts)
    {
        var client = session.Client;
        var connection = session.Connection;
        if (facts.Address is { } address)
        {
            client.Address = SmtpSession.PlainAddress(address);
            client.ReverseName = null; // the name of the old address
            client.Trusted = session.Listener.Trusted(client.Address);
        }
        if (facts.NameGiven) client.ReverseName = facts.Name;
        if (facts.Port is { } port) client.Port = port;
        if (facts.Address is not null || facts.Port is not null) connection.Remote = new IPEndPoint(client.Address, client.Port);
        if (facts.LocalAddress is not null || facts.LocalPort is not null)
        {
            var was = connection.Local as IPEndPoint;
            connection.Local = new IPEndPoint(facts.LocalAddress ?? was?.Address ?? IPAddress.Any, facts.LocalPort ?? was?.Port ?? 0);
        }
        session.SetDeadline();
    }
}
