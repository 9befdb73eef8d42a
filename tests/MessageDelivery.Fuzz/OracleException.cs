using System.Runtime.CompilerServices;
using System.Text;

namespace MessageDelivery.Fuzz;

/// <summary>Something that must hold for any input does not.</summary>
internal sealed class OracleException(string message) : Exception(message);

/// <summary>What must hold.</summary>
internal static class Oracle
{
    private const int MaxShownBytes = 48;

    public static void True(bool condition, string what, [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            throw new OracleException($"{what}: {expression}");
        }
    }

    public static void Same(string what, string expected, string actual)
    {
        if (!string.Equals(expected, actual, StringComparison.Ordinal))
        {
            Same(what, Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(actual));
        }
    }

    public static void Same(string what, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        int common = expected.CommonPrefixLength(actual);
        if (common != expected.Length || common != actual.Length)
        {
            throw new OracleException(
                $"{what}: {actual.Length} bytes where {expected.Length} are due, the first difference at {common}: "
                + $"{Show(actual[common..])} where {Show(expected[common..])} is due");
        }
    }

    /// <summary>The beginning of some bytes, for a person.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var shown = bytes[..Math.Min(MaxShownBytes, bytes.Length)];
        return shown.IsEmpty ? "(the end)"
            : shown.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e) && shown[0] is < 0x20 or > 0x7e ? Convert.ToHexString(shown)
            : $"\"{Encoding.Latin1.GetString(shown)}\"";
    }
}
