using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>PLAIN (RFC 4616) from the client's side. The server prepares the strings (§2), so they go as they are.</summary>
sealed class PlainClient(string user, string password) : SaslClient
{
    public override string Name => SaslMechanisms.Plain;

    public override bool ShowsSecret => true;

    public override byte[] Initial() => Encoding.UTF8.GetBytes($"\0{user}\0{password}");

    // A challenge is only right where the initial response was not taken; it is empty then.
    public override byte[]? Answer(ReadOnlySpan<byte> challenge) => challenge.IsEmpty ? Initial() : null;
}
