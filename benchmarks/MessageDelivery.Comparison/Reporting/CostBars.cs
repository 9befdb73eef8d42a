using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>A small bar chart for each row, each with a scale of its own from zero: processor time for a delivered message.</summary>
internal static class CostBars
{
    private const int Columns = 3;
    private const int PanelWidth = 380;
    private const int PanelHeight = 250;
    private const int HeadHeight = 50;

    public static void Write(
        Figures figures, IReadOnlyList<Row> rows, IReadOnlyList<(string Name, string Title)> servers, string path)
    {
        int lines = (rows.Count + Columns - 1) / Columns;
        var bounds = new SKRect(0, 0, Columns * PanelWidth, HeadHeight + (lines * PanelHeight));
        using var stream = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(bounds, stream))
        {
            canvas.Clear(Palette.Paper.ToSKColor());
            using var font = new SKFont(SKTypeface.FromFamilyName(Palette.Font, SKFontStyle.Bold), 19);
            using var paint = new SKPaint { Color = Palette.Ink.ToSKColor(), IsAntialias = true };
            canvas.DrawText("Server's CPU for each delivered message, µs (less is better)", bounds.MidX, 32, SKTextAlign.Center, font, paint);
            for (int i = 0; i < rows.Count; i++)
            {
                float left = i % Columns * PanelWidth;
                float top = HeadHeight + (i / Columns * PanelHeight);
                using var panel = CreatePanel(figures, rows[i], servers);
                panel.Render(canvas, new PixelRect(left, left + PanelWidth, top + PanelHeight, top));
            }
        }

        SvgFile.Write(path, System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static Plot CreatePanel(Figures figures, Row row, IReadOnlyList<(string Name, string Title)> servers)
    {
        var columns = servers.Where(column => figures.Of(row.Name, column.Name).Any()).ToList();
        var plot = new Plot();
        plot.Font.Set(Palette.Font);
        plot.FigureBackground.Color = Palette.Paper;
        plot.DataBackground.Color = Palette.Paper;
        plot.RenderManager.ClearCanvasBeforeEachRender = false; // the canvas has the other panels
        plot.HideGrid();
        plot.Axes.Frame(false);
        plot.Axes.Title.Label.Text = row.Title;
        plot.Axes.Title.Label.FontSize = 14;
        plot.Axes.Title.Label.ForeColor = Palette.Ink;
        double greatest = columns.Max(column => figures.Cpu(row.Name, column.Name)?.Median ?? 0);
        for (int i = 0; i < columns.Count; i++)
        {
            var (name, _) = columns[i];
            double? median = figures.Cpu(row.Name, name)?.Median;
            double value = median ?? 0;
            var bar = plot.Add.Bar(new Bar
            {
                Position = -i,
                Value = value,
                FillColor = Palette.Of(name),
                LineWidth = 0,
                Size = 0.72,
                Orientation = Orientation.Horizontal,
            });
            bar.Horizontal = true;
            var label = plot.Add.Text(figures.Failure(row.Name, name) ?? Format.Number(median), value + (0.02 * greatest), -i);
            label.LabelAlignment = Alignment.MiddleLeft;
            label.LabelFontColor = Palette.Ink;
            label.LabelFontSize = 12;
            label.LabelBold = name is ServerTable.Ours or ServerTable.OursWebSocket;
            label.LabelFontName = Palette.Font;
        }

        plot.Axes.Left.TickGenerator = new NumericManual([.. columns.Select((_, i) => (double)-i)], [.. columns.Select(column => column.Title)]);
        plot.Axes.Left.TickLabelStyle.FontSize = 12;
        plot.Axes.Left.TickLabelStyle.ForeColor = Palette.Ink;
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickGenerator = new EmptyTickGenerator();
        plot.Axes.Left.MinimumSize = servers == ServerTable.Columns ? 96 : 160;
        plot.Axes.SetLimits(0, 1.22 * greatest, -columns.Count + 0.4, 0.6);
        return plot;
    }
}
