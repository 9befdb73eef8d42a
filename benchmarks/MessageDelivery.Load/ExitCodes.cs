namespace MessageDelivery.Load;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Measured = 0;

    /// <summary>A server was not there, refused or cut somebody, or delivered nothing.</summary>
    public const int NotMeasured = 1;

    /// <summary>An option is missing, unknown or impossible.</summary>
    public const int Usage = 2;
}
