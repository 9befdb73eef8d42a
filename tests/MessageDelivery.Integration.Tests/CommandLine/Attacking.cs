using System.Text.Json;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>Runs <c>mds attack</c>, and reads what it reports.</summary>
internal static class Attacking
{
    public static Task<MdsResult> AttackAsync(string hub, string[] options) => MdsProcess.RunAsync(["attack", hub, .. options], []);

    public static JsonElement Report(MdsResult result)
    {
        Assert.True(result.Output.Length > 0, result.Error);
        using var json = JsonDocument.Parse(result.Text);
        return json.RootElement.Clone();
    }

    public static string? Name(JsonElement attack) => attack.GetProperty("attack").GetString();

    public static string? Verdict(JsonElement attack) => attack.GetProperty("verdict").GetString();
}
