using Posthorn.Mime.Envelopes;

namespace Posthorn.Mime.Structure;

/// <summary>
/// A part tree as IMAP text: BODYSTRUCTURE, or BODY without the extension data (RFC 9051 §7.5.2, <c>body</c>). Recursion is
/// as deep as the tree, which has a limit.
/// </summary>
static class StructureText
{
    internal static void Write(Part part, bool extended, ref ImapText to)
    {
        to.Raw((byte)'(');
        if (part.Type == "multipart") Multipart(part, extended, ref to);
        else Leaf(part, extended, ref to);
        to.Raw((byte)')');
    }

    static void Multipart(Part part, bool extended, ref ImapText to)
    {
        // body-type-mpart = 1*body: one that has no parts shows an empty text, as RFC 2046 §5.1 has it.
        if (part.Parts.Count == 0) NoText(extended, ref to);
        for (var i = 0; i < part.Parts.Count; i++) Write(part.Parts[i], extended, ref to);
        to.Raw((byte)' ');
        to.String(part.Subtype);
        if (!extended) return;
        to.Raw((byte)' ');
        Parameters(part.Parameters, ref to);
        DispositionAndRest(part, ref to);
    }

    static void NoText(bool extended, ref ImapText to) =>
        to.Raw(extended ? "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"u8 : "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)"u8);

    static void Leaf(Part part, bool extended, ref ImapText to)
    {
        to.String(part.Type);
        to.Raw((byte)' ');
        to.String(part.Subtype);
        to.Raw((byte)' ');
        Parameters(part.Parameters, ref to);
        to.Raw((byte)' ');
        to.NString(part.Id);
        to.Raw((byte)' ');
        to.NString(part.Description);
        to.Raw((byte)' ');
        to.String(part.Encoding);
        to.Raw((byte)' ');
        to.Number(part.End - part.BodyStart);
        if (part.IsMessage)
        {
            to.Raw((byte)' ');
            if (part.Parts.Count == 0)
            {
                // One that is encoded, though RFC 2046 §5.2.1 forbids it: the grammar still wants an envelope and a body.
                to.Raw(Envelope.Empty);
                to.Raw((byte)' ');
                NoText(extended, ref to);
            }
            else
            {
                to.Raw(part.Parts[0].Envelope.Length == 0 ? Envelope.Empty : part.Parts[0].Envelope.Span);
                to.Raw((byte)' ');
                Write(part.Parts[0], extended, ref to);
            }
        }
        if (part.IsMessage || part.Type == "text")
        {
            to.Raw((byte)' ');
            to.Number(part.Lines);
        }
        if (!extended) return;
        to.Raw((byte)' ');
        to.NString(part.Md5);
        DispositionAndRest(part, ref to);
    }

    static void DispositionAndRest(Part part, ref ImapText to)
    {
        if (part.Disposition is null) to.Raw(" NIL "u8);
        else
        {
            to.Raw(" ("u8);
            to.String(part.Disposition);
            to.Raw((byte)' ');
            Parameters(part.DispositionParameters, ref to);
            to.Raw(") "u8);
        }
        if (part.Languages.Count == 0) to.Raw("NIL"u8);
        else if (part.Languages.Count == 1) to.String(part.Languages[0]);
        else
        {
            for (var i = 0; i < part.Languages.Count; i++)
            {
                to.Raw(i == 0 ? (byte)'(' : (byte)' ');
                to.String(part.Languages[i]);
            }
            to.Raw((byte)')');
        }
        to.Raw((byte)' ');
        to.NString(part.Location);
    }

    static void Parameters(IReadOnlyList<KeyValuePair<string, string>> parameters, ref ImapText to)
    {
        if (parameters.Count == 0)
        {
            to.Raw("NIL"u8);
            return;
        }
        for (var i = 0; i < parameters.Count; i++)
        {
            to.Raw(i == 0 ? (byte)'(' : (byte)' ');
            to.String(parameters[i].Key);
            to.Raw((byte)' ');
            to.String(parameters[i].Value);
        }
        to.Raw((byte)')');
    }
}
