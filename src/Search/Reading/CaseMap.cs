namespace Posthorn.Search.Reading;

/// <summary>
/// Text as searches compare it: simple case mapping of all of Unicode, white space as one space. The decompositions of
/// i;unicode-casemap (RFC 5051) are not done.
/// </summary>
public static class CaseMap
{
    /// <summary>The text as all searched text and every searched word is brought into before they are compared.</summary>
    public static string Fold(ReadOnlySpan<char> text)
    {
        var folded = new System.Text.StringBuilder(text.Length);
        var space = false;
        foreach (var c in text)
        {
            if (c is ' ' or '\t' or '\r' or '\n')
            {
                if (!space) folded.Append(' ');
                space = true;
                continue;
            }
            space = false;
            folded.Append(char.ToUpperInvariant(c));
        }
        return folded.ToString();
    }
}
