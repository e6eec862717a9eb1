using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>A message with an attachment and all that dot-stuffing can get wrong, found again by its token.</summary>
public sealed class Letter
{
    const string Boundary = "=_posthorn_interop";

    public Letter(string from, string to)
    {
        Token = "token" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        Attachment = RandomNumberGenerator.GetBytes(5000);
        Raw = Encoding.ASCII.GetBytes(Text(from, to).ReplaceLineEndings("\r\n"));
    }

    public string Token { get; }
    public byte[] Attachment { get; }

    /// <summary>The message with CRLF line ends.</summary>
    public byte[] Raw { get; }

    /// <summary>The same with LF, as programs expect on their standard input.</summary>
    public byte[] Unix => Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(Raw).ReplaceLineEndings("\n"));

    string Text(string from, string to) => $"""
        From: <{from}>
        To: <{to}>
        Subject: interop {Token}
        Date: Fri, 20 Nov 2026 10:11:12 +0100
        Message-ID: <{Token}@client.example.test>
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="{Boundary}"

        --{Boundary}
        Content-Type: text/plain; charset=us-ascii

        A line.
        .
        .. two dots
        .a dot and a letter
         
        the line before holds one blank.

        --{Boundary}
        Content-Type: application/octet-stream
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename="attached.bin"

        {Base64()}
        --{Boundary}--

        """;

    string Base64() => string.Join("\n", Convert.ToBase64String(Attachment).Chunk(72).Select(c => new string(c)));

    /// <summary>Checks what every delivered message must have; <paramref name="via"/> is the protocol of its Received line.</summary>
    public static void CheckTrace(ReadMessage message, string from, string via)
    {
        // RFC 5321 §4.4: one Return-Path, on top, made at final delivery, and one Received per hop.
        Assert.StartsWith("Return-Path: <" + from + ">\r\n", message.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Single(message.Header("Return-Path"));
        var received = Assert.Single(message.Header("Received"));
        Assert.Contains(" with " + via + " ", received + " ", StringComparison.Ordinal);
        var date = received[(received.LastIndexOf(';') + 1)..].Trim();
        Assert.True(DateTimeOffset.TryParse(date.Split('(')[0], CultureInfo.InvariantCulture, out _), "Received has no date: " + received);
    }

    /// <summary>The message came as it was sent, octet for octet, below what the server put on top.</summary>
    public void CheckExact(ReadMessage message)
    {
        Assert.True(message.Octets.Length > Raw.Length, message.Text);
        Assert.Equal(Encoding.ASCII.GetString(Raw), Encoding.Latin1.GetString(message.Octets[^Raw.Length..]));
    }

    /// <summary>Some base64 part of the message decodes to the attachment, whoever wrote the MIME around it.</summary>
    public void CheckAttachment(ReadMessage message)
    {
        foreach (var block in message.Text.Replace("\r\n", "\n").Split("\n\n"))
        {
            var end = block.IndexOf("\n--", StringComparison.Ordinal);
            var body = (end < 0 ? block : block[..end]).Replace("\n", "").Trim();
            var octets = new byte[body.Length];
            if (body.Length > 100 && Convert.TryFromBase64String(body, octets, out var count) && octets.AsSpan(0, count).SequenceEqual(Attachment)) return;
        }
        Assert.Fail("the attachment did not come back as it was sent:\n" + message.Text);
    }
}
