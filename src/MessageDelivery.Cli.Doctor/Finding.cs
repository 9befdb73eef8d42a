namespace MessageDelivery.Cli.Doctor;

/// <summary>How bad something is.</summary>
internal enum FindingLevel
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, but not as well or as safely as it could.</summary>
    Warn,

    /// <summary>It does not work, or strangers get in.</summary>
    Fail,
}

/// <summary>What a check has found.</summary>
/// <param name="Check">The check's name, such as <c>file-descriptors</c>.</param>
/// <param name="Text">One sentence with the values.</param>
/// <param name="Remedy">What to do about it; null where nothing is to be done.</param>
internal sealed record Finding(string Check, FindingLevel Level, string Text, string? Remedy = null);
