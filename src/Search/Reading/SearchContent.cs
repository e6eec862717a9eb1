using System.Text;
using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Sections;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Text;

namespace Posthorn.Search.Reading;

/// <summary>The fields of the envelope that a search can name.</summary>
public enum EnvelopeField { Bcc, Cc, From, Subject, To }

/// <summary>What a message says, as far as a search asks for it; each piece is read when it is first asked for.</summary>
public sealed class SearchContent(MessageSource source)
{
    /// <summary>Octets of a header that are searched; the threat table's limit for headers that come in.</summary>
    const int MostHeader = HeaderSummary.MaxHeader;

    /// <summary>Octets of decoded text of one message that are searched.</summary>
    const int MostText = 32 << 20;

    Envelope? _envelope;
    List<(string Name, string Value)>? _fields;
    string? _body, _header;

    public Envelope Envelope => _envelope ??= Envelope.Parse(source.TryTexts(out var envelope, out _) ? envelope : source.Root.Envelope.Span);

    /// <summary>The fields of the header in order, values decoded and folded.</summary>
    public List<(string Name, string Value)> Fields => _fields ??= ReadFields(source.Root);

    /// <summary>The whole header, folded.</summary>
    public string Header => _header ??= string.Join('\n', Fields.Select(static f => $"{f.Name.ToUpperInvariant()}: {f.Value}"));

    /// <summary>The text of all parts, and the headers of messages inside, folded.</summary>
    public string Body => _body ??= ReadBody();

    /// <summary>Each text in which a search may find something: what is in none of them is not found by any.</summary>
    public IEnumerable<string> All
    {
        get
        {
            yield return Header;
            yield return Body;
            foreach (var which in Enum.GetValues<EnvelopeField>()) yield return Field(which);
        }
    }

    /// <summary>A field of the envelope, folded; address lists as people write them, names and addresses.</summary>
    public string Field(EnvelopeField which) => CaseMap.Fold(which switch
    {
        EnvelopeField.Subject => Envelope.Subject ?? "",
        EnvelopeField.From => Addresses(Envelope.From),
        EnvelopeField.To => Addresses(Envelope.To),
        EnvelopeField.Cc => Addresses(Envelope.Cc),
        _ => Addresses(Envelope.Bcc),
    });

    static string Addresses(IReadOnlyList<EnvelopeAddress> list)
    {
        var text = new StringBuilder();
        foreach (var address in list)
        {
            if (text.Length > 0) text.Append(", ");
            if (!address.IsMailbox) text.Append(address.Mailbox);
            else if (address.Name is null) text.Append(address.Mailbox).Append('@').Append(address.Host);
            else text.Append(address.Name).Append(" <").Append(address.Mailbox).Append('@').Append(address.Host).Append('>');
        }
        return text.ToString();
    }

    /// <summary>The octets of a field of the header as Latin 1; of several the first. Null when there is none.</summary>
    public string? Raw(string name)
    {
        ReadOnlySpan<byte> header = Octets(source.Root);
        while (TryField(ref header, out var field, out var value))
            if (name.Equals(Encoding.Latin1.GetString(field), StringComparison.OrdinalIgnoreCase)) return Encoding.Latin1.GetString(value);
        return null;
    }

    List<(string, string)> ReadFields(Part message)
    {
        ReadOnlySpan<byte> header = Octets(message);
        var fields = new List<(string, string)>();
        while (TryField(ref header, out var name, out var value)) fields.Add((Encoding.Latin1.GetString(name), CaseMap.Fold(EncodedWords.Decode(value))));
        return fields;
    }

    byte[] Octets(Part message)
    {
        var range = ReferenceEquals(message, source.Root)
            ? new OctetRange(0, source.PrefixLength + message.BodyStart)
            : new OctetRange(source.PrefixLength + message.HeaderStart, message.BodyStart - message.HeaderStart);
        return source.Octets(range.Slice(0, MostHeader));
    }

    /// <summary>Takes the next field off a header; lines that are none are passed over.</summary>
    static bool TryField(ref ReadOnlySpan<byte> header, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        while (header.Length > 0)
        {
            var field = header[..FieldEnd(header)];
            header = header[field.Length..];
            var colon = field.IndexOf((byte)':');
            if (colon <= 0) continue;
            name = field[..colon].Trim(" \t"u8);
            value = field[(colon + 1)..];
            return true;
        }
        return false;
    }

    /// <summary>The end of a field with its folded lines.</summary>
    static int FieldEnd(ReadOnlySpan<byte> header)
    {
        var at = 0;
        while (true)
        {
            var eol = header[at..].IndexOf((byte)'\n');
            if (eol < 0) return header.Length;
            at += eol + 1;
            if (at == header.Length || header[at] is not ((byte)' ' or (byte)'\t')) return at;
        }
    }

    string ReadBody()
    {
        var text = new StringBuilder();
        Add(source.Root, text);
        return CaseMap.Fold(text.ToString());
    }

    void Add(Part part, StringBuilder text)
    {
        if (text.Length > MostText) return;
        if (part.Parts.Count == 0)
        {
            if (!TextExtractor.IsText(part)) return;
            var extractor = new TextExtractor(part);
            var buffer = new byte[Math.Min(32 << 10, Math.Max(1, part.End - part.BodyStart))];
            for (var at = part.BodyStart; at < part.End && !extractor.Full;)
            {
                var n = (int)Math.Min(buffer.Length, part.End - at);
                source.Read(source.PrefixLength + at, buffer.AsSpan(0, n));
                extractor.Write(buffer.AsSpan(0, n));
                at += n;
            }
            text.Append(extractor.Finish()).Append('\n');
            return;
        }
        foreach (var child in part.Parts)
        {
            if (part.IsMessage)
                foreach (var (name, value) in ReadFields(child)) text.Append(name).Append(": ").Append(value).Append('\n');
            Add(child, text);
        }
    }
}
