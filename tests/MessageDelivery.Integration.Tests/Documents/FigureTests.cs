using System.Globalization;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>The README's figures are those of docs/benchmarks.md, which <c>./bench</c> has measured and written.</summary>
public sealed class FigureTests
{
    private static readonly string[] Measured = File.ReadAllLines(Repository.File("docs/benchmarks.md"));

    private static readonly string[] Told =
    [
        .. File.ReadLines(Repository.File("README.md")).SkipWhile(line => line != "## Figures").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal)),
    ];

    public static TheoryData<string> Rows => [.. Told.Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Every_row_is_as_measured(string row)
    {
        string[] told = Cells(row);
        string[] measured = Cells(Assert.Single(
            Section("## Processor time for a message"), line => Cells(line)[0] == told[0].Replace(", pipelined", "", StringComparison.Ordinal) && line.Contains("**", StringComparison.Ordinal)));

        // The page has MQTTnet and Garnet, the README the better of the two. Behind the floor stands the ratio to nats-server.
        decimal bestInCSharp = Math.Min(Number(measured[5]), Number(measured[6]));
        decimal[] expected = [Number(measured[1]), Number(measured[2]), Number(measured[3]), Number(measured[4]), bestInCSharp, Number(measured[7]), Number(measured[8])];
        Assert.All(told[1..].Zip(expected), pair => Assert.Equal(pair.First, Rounded(pair.Second, pair.First)));
    }

    [Fact]
    public void Start_memory_idle_connections_and_lists_are_as_measured()
    {
        string text = string.Join(' ', Told.Select(line => line.Trim()));
        string[] idle = Cells(Assert.Single(Section("## Idle connections"), IsOurs)), start = Cells(Assert.Single(Section("## Start"), IsOurs));
        Assert.Contains($"{idle[3].Replace(" B", " bytes", StringComparison.Ordinal)} each", text, StringComparison.Ordinal);
        Assert.Contains($"in {start[1]} with {start[2]}", text, StringComparison.Ordinal);
        Assert.Contains($"in {Cells(Section("## LIST").Single(line => line.StartsWith("| 10,000 ", StringComparison.Ordinal)))[1]}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_commit_they_were_measured_at_is_told()
    {
        string commit = Cells(Assert.Single(Measured, line => line.StartsWith("| commit |", StringComparison.Ordinal)))[1].Trim('`');
        Assert.Contains(commit[..7], string.Join('\n', Told), StringComparison.Ordinal);
    }

    private static bool IsOurs(string line) => line.StartsWith("| ours |", StringComparison.Ordinal);

    private static IEnumerable<string> Section(string heading) =>
        Measured.SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal)).Where(line => line.StartsWith("| ", StringComparison.Ordinal));

    private static string[] Cells(string row) => [.. row.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];

    private static decimal Number(string cell) => decimal.Parse(cell.Split(' ')[0].Trim('*').Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    // With as many decimals as the README has.
    private static string Rounded(decimal value, string like)
    {
        int decimals = like.Contains('.', StringComparison.Ordinal) ? like.Length - like.IndexOf('.', StringComparison.Ordinal) - 1 : 0;
        return Math.Round(value, decimals, MidpointRounding.AwayFromZero).ToString($"F{decimals}", CultureInfo.InvariantCulture);
    }
}
