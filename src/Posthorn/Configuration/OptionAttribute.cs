namespace Posthorn.Configuration;

/// <summary>What a number means, so that "50 MB" and "30 s" can be written.</summary>
enum OptionUnit { None, Octets, PerMinute }

/// <summary>
/// Documents an option where it is declared. The reference, the JSON schema and the check of the file are all made from
/// these: an option without one does not exist (and a test finds the property).
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class OptionAttribute(string text) : Attribute
{
    /// <summary>What it does, in whole sentences.</summary>
    public string Text { get; } = text;

    public bool Required { get; init; }

    public double Minimum { get; init; } = double.NaN;

    public double Maximum { get; init; } = double.NaN;

    public OptionUnit Unit { get; init; }

    /// <summary>A file or directory: relative ones are taken from the directory of the configuration file.</summary>
    public bool Path { get; init; }

    /// <summary>A value to show in the reference.</summary>
    public string? Example { get; init; }

    /// <summary>What stands in the reference as the default where the built-in value is worked out at start.</summary>
    public string? Default { get; init; }

    /// <summary>True when SIGHUP brings a changed value into force; false when it needs a restart.</summary>
    public bool Reloads { get; init; }
}
