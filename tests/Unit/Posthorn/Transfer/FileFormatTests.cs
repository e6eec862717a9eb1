using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Storage.Messages;
using Posthorn.Transfer;
using Posthorn.Transfer.Archives;
using Posthorn.Transfer.Files;
using Posthorn.Transfer.Link;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Transfer;

/// <summary>Maildir and mbox as other programs write and read them, and as we get every octet back.</summary>
public sealed class FileFormatTests : IDisposable
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-files-");

    public void Dispose() => _home.Delete(recursive: true);

    static readonly Gen<byte[]> Messages = Gen.Elements("\r\n", "\n", "\r", "From a Sat Nov 21 16:57:28 2026", ">From b", ">", "x", "Status: RO", "X-Posthorn-Message: 1 1 1", "\0", "é", ": ", " ")
        .ArrayOf().Select(static parts => Encoding.Latin1.GetBytes("S" + string.Concat(parts)));

    static OutgoingMail Mail(uint uid, byte[] octets, MailFlags? flags = null) => new(uid, octets.Length, MailFiles.Day, flags ?? MailFlags.None, null);

    [Fact]
    public void What_goes_into_an_mbox_comes_out_of_it()
    {
        var run = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(40), Prop.ForAll(Messages.ArrayOf().ToArbitrary(), messages =>
        {
            var path = Path.Combine(_home.FullName, $"{run++}.mbox");
            WriteAsync(path, messages).GetAwaiter().GetResult();
            using var reader = new MboxReader(File.OpenRead(path));
            for (var i = 0; i < messages.Length; i++)
            {
                reader.NextMessage().ShouldBeTrue();
                reader.Date.ShouldBe(MailFiles.Day);
                Read(reader).ShouldBe(messages[i]);
            }
            reader.NextMessage().ShouldBeFalse();
        }));
    }

    static async Task WriteAsync(string path, byte[][] messages)
    {
        using var writer = new MboxWriter(path, 7);
        for (var i = 0; i < messages.Length; i++)
        {
            using var spool = await MailSpool.ReadAsync(new OctetContent(messages[i]), Path.GetDirectoryName(path)!, default);
            writer.Write(Mail((uint)i + 1, messages[i], MailFlags.Of(["\\Seen", "x"])), spool!);
        }
        writer.Finish();
    }

    static byte[] Read(MboxReader reader)
    {
        using var all = new MemoryStream();
        while (reader.Next() is { Length: > 0 } piece) all.Write(piece.Span);
        return all.ToArray();
    }

    [Fact]
    public void What_goes_into_a_Maildir_comes_out_of_it()
    {
        var uid = 0u;
        var writer = new MaildirWriter(_home.FullName, "A.b/c", 9);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(60), Prop.ForAll(Messages.ToArbitrary(), octets =>
        {
            using var spool = MailSpool.ReadAsync(new OctetContent(octets), _home.FullName, default).AsTask().GetAwaiter().GetResult()!;
            var path = writer.Write(Mail(++uid, octets), spool);
            ArchiveCheck.OfMaildir(path).ShouldBe(System.Security.Cryptography.SHA256.HashData(octets));
            File.GetLastWriteTimeUtc(path).ShouldBe(MailFiles.Day.UtcDateTime);
        }));
    }

    [Fact]
    public async Task An_mbox_that_was_cut_off_is_gone_on_with_at_any_octet()
    {
        byte[][] messages = [.. Enumerable.Range(0, 3).Select(static i => Encoding.ASCII.GetBytes($"Subject: {i}\r\n\r\nFrom here\r\n\r\nline\r\n"))];
        var whole = Path.Combine(_home.FullName, "whole");
        await WriteAsync(whole, messages);
        var octets = File.ReadAllBytes(whole);
        for (var length = 0; length < octets.Length; length++)
        {
            var path = Path.Combine(_home.FullName, $"cut{length}");
            File.WriteAllBytes(path, octets[..length]);
            using (var writer = new MboxWriter(path, 7))
                for (var i = 0; i < messages.Length; i++)
                {
                    if (writer.Has(Mail((uint)i + 1, messages[i]))) continue;
                    using var spool = await MailSpool.ReadAsync(new OctetContent(messages[i]), _home.FullName, default);
                    writer.Write(Mail((uint)i + 1, messages[i], MailFlags.Of(["\\Seen", "x"])), spool!);
                }
            File.ReadAllBytes(path).ShouldBe(octets, $"cut at {length}");
        }
    }

    [Fact]
    public void An_mbox_of_others_is_read_with_its_flags()
    {
        var text = """
            From MAILER_DAEMON Mon Jan  1 00:00:00 2024
            Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA
            X-IMAP: 1704067200 3

            This text is part of the internal format of your mail folder.

            From a@b.test Thu Feb 29 12:34:56 2024
            Return-Path: <a@b.test>
            Status: RO
            X-Status: AF
            X-Keywords: $label1 NonJunk
            X-UID: 12
            Content-Length: 20
            Subject: one
             folded

            >From here on
            >>From there
            From now on it is text

            From c@d.test  Thu Feb 29 13:34:56 +0100 2024
            Subject: two

            """.ReplaceLineEndings("\n");
        using var reader = new MboxReader(new MemoryStream(Encoding.ASCII.GetBytes(text)));
        reader.NextMessage().ShouldBeTrue();
        reader.IsServerData.ShouldBeTrue();
        reader.NextMessage().ShouldBeTrue();
        reader.IsServerData.ShouldBeFalse();
        reader.Date.ShouldBe(new DateTimeOffset(2024, 2, 29, 12, 34, 56, TimeSpan.Zero));
        MailFiles.Names(reader.Flags).ShouldBe("\\Seen \\Answered \\Flagged $label1 NonJunk");
        Encoding.ASCII.GetString(Read(reader)).ShouldBe("Return-Path: <a@b.test>\r\nSubject: one\r\n folded\r\n\r\nFrom here on\r\n>From there\r\nFrom now on it is text\r\n");
        reader.NextMessage().ShouldBeTrue();
        reader.Date.ShouldBe(new DateTimeOffset(2024, 2, 29, 12, 34, 56, TimeSpan.Zero));
        Encoding.ASCII.GetString(Read(reader)).ShouldBe("Subject: two\r\n");
        reader.NextMessage().ShouldBeFalse();
        Should.Throw<InvalidDataException>(() => new MboxReader(new MemoryStream("Subject: no mbox\n"u8.ToArray())).NextMessage());
    }

    /// <summary>As Thunderbird 153 writes it when messages are copied, marked and deleted; the second Status is left from an earlier folder.</summary>
    [Fact]
    public void An_mbox_of_Thunderbird_is_read_with_its_flags()
    {
        static string Mail(string status, string keys, string subject) =>
            $"From - Sat Nov 21 20:01:11 2026\nX-Account-Key: account1\nX-Mozilla-Status: {status}\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: {keys,-40}\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nSubject: {subject}\n\ntext\n\n";
        var text = Mail("0000", "", "unread") + Mail("1007", "$label1 work", "all") + Mail("0009", "", "deleted")
            + "From - Sat Nov 21 20:01:11 2026\nSubject: sent on\nX-Mozilla-Status: 0009\n\ntext\n";
        using var reader = new MboxReader(new MemoryStream(Encoding.ASCII.GetBytes(text)));
        (string Flags, bool Deleted, string Subject)[] expected =
            [("", false, "unread"), ("\\Seen \\Answered \\Flagged $Forwarded $label1 work", false, "all"), ("\\Seen", true, "deleted"), ("\\Seen", false, "sent on")];
        foreach (var (flags, deleted, subject) in expected)
        {
            reader.NextMessage().ShouldBeTrue();
            (MailFiles.Names(reader.Flags), reader.IsDeleted).ShouldBe((flags, deleted));
            Encoding.ASCII.GetString(Read(reader)).ShouldBe((subject == "sent on" ? "" : "X-Account-Key: account1\r\n") + $"Subject: {subject}\r\n\r\ntext\r\n");
        }
        reader.NextMessage().ShouldBeFalse();
    }

    [Theory]
    [InlineData("1700000000.M1P2.host,S=10,W=12:2,FRS", "1700000000.M1P2.host", 10L, 12L, "\\Seen \\Answered \\Flagged")]
    [InlineData("1700000000.M1P2.host:2,DPTab", "1700000000.M1P2.host", null, null, "\\Deleted \\Draft $Forwarded one two")]
    [InlineData("1700000000.M1P2.host;2,S", "1700000000.M1P2.host", null, null, "\\Seen")]
    [InlineData("1700000000.M1P2.host", "1700000000.M1P2.host", null, null, "")]
    public void File_names_tell_of_flags(string name, string unique, long? size, long? wire, string flags)
    {
        var parsed = MaildirFileName.Parse(name);
        (parsed.Unique, parsed.Size, parsed.WireSize).ShouldBe((unique, size, wire));
        MailFiles.Names(parsed.Flags(["one", "two"])).ShouldBe(flags);
    }

    [Theory]
    [InlineData("INBOX", "", "INBOX.mbox")]
    [InlineData("Work/2025", ".Work.2025", "Work/2025.mbox")]
    [InlineData("Entwürfe", ".Entw&APw-rfe", "Entwürfe.mbox")]
    [InlineData("a.b/..", ".a%2Eb.%2E%2E", "a.b/%2E..mbox")]
    [InlineData("../../etc", ".%2E%2E.%2E%2E.etc", "%2E./%2E./etc.mbox")]
    [InlineData("x.mbox/y", ".x%2Embox.y", "x%2Embox/y.mbox")]
    public void Mailboxes_have_a_place_and_come_back_from_it(string mailbox, string maildir, string mbox)
    {
        MaildirNames.DirectoryOf(mailbox).ShouldBe(maildir);
        MaildirNames.MailboxOf(maildir).ShouldBe(mailbox);
        MboxNames.PathOf(mailbox).ShouldBe(mbox);
        var path = Path.Combine(_home.FullName, mbox);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "x");
        MboxNames.Files(_home.FullName).ShouldBe([(mailbox, path)]);
    }

    [Fact]
    public async Task A_keyword_without_a_letter_is_told()
    {
        var writer = new MaildirWriter(_home.FullName, "INBOX", 1);
        using var spool = await MailSpool.ReadAsync(new OctetContent("x: y\r\n"u8.ToArray()), _home.FullName, default);
        writer.Write(Mail(1, [], MailFlags.Of(Enumerable.Range(0, 27).Select(static i => $"k{i:00}"))), spool!);
        writer.Lost.ShouldBe(["k26"]);
        MaildirReader.Keywords(_home.FullName).Count.ShouldBe(26);
    }

    [Theory]
    [InlineData("Received: from a by b; Fri, 21 Nov 2025 09:55:06 -0600 (CST)\r\nDate: Thu, 1 Jan 2004 00:00:00 +0000\r\n\r\n", "2025-11-21T15:55:06Z")]
    [InlineData("Received: from a\r\n\tby b;\r\n\tFri, 21 Nov 2025 09:55:06 +0000\r\n\r\n", "2025-11-21T09:55:06Z")]
    [InlineData("Date: 1 Jan 2004 00:00 GMT\n\nReceived: x; 2 Jan 2004 00:00:00 +0000\n", "2004-01-01T00:00:00Z")]
    [InlineData("Date: yesterday\n\n", null)]
    public void A_message_tells_when_it_came(string header, string? date) =>
        MailDate.Of(Encoding.ASCII.GetBytes(header))?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'").ShouldBe(date);
}
